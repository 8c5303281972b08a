-- One row per agent, ended month, metric and requirement of the rule that looks back.
{{ trajectory_conditions(ref('int_bands__evidence'), ref('int_bands__courses')) }}
