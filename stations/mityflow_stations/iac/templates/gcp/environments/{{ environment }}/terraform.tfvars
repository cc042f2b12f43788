environment = "{{ environment }}"
{%- if environment == "prod" %}

memory    = "1Gi"
instances = { least = 1, most = 6 }
{%- elif environment == "dev" %}

deletion_protection = false
{%- endif %}
