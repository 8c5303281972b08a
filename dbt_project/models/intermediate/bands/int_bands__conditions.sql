-- One row per agent, ended month, rule, metric and requirement of the rules that need no history.
{{ band_conditions(ref('int_bands__evidence'), ref('int_bands__subjects')) }}
