environment = "{{ environment }}"
{%- if environment == "prod" %}

nat_per_zone = true
cpu          = 512
memory       = 1024
tasks        = { least = 2, most = 6 }
{%- elif environment == "dev" %}

deletion_protection = false
{%- endif %}
