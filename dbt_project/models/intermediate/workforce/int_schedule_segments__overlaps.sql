{{ config(**kept_by('segment_id', touched='all')) }}
-- One row per effective schedule segment that overlaps another of the same agent: set aside or kept.
{{ overlap_faults(ref('int_schedule_segments__effective'), 'segment_id', touched='schedule_segments') }}
