environment = "{{ environment }}"
{%- if environment == "prod" %}

cpu      = 0.5
memory   = "1Gi"
replicas = { least = 2, most = 6 }
{%- endif %}
