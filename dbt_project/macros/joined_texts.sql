{# Texts in the order given, those that are null left out; null where none is left. #}
{% macro joined_texts(texts, separator) -%}
    nullif(substr(
        {%- for text in texts %}
        coalesce('{{ separator }}' || {{ text }}, ''){{ ' ||' if not loop.last }}
        {%- endfor %},
        {{ separator | length + 1 }}
    ), '')
{%- endmacro %}
