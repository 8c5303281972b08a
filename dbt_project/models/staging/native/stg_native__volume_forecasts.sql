-- One row per landed row of volume_forecasts, typed, with its disposition.
{{ typed_rows('volume_forecasts') }}
