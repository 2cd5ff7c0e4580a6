# gitlab.rb of GitLab, when the registry is on nodes of its own and the edge is in front of them.
#
# Made by edgectl. On GitLab's machine: gitlab-registry.key to /etc/gitlab/gitlab-registry.key (mode
# 0600), these lines into /etc/gitlab/gitlab.rb; then
#   gitlab-ctl reconfigure
# "gitlab.yml" is GitLab's, /var/opt/gitlab/gitlab-rails/etc/gitlab.yml; Omnibus writes it.

external_url {{ gitlab_url|ruby }}

# The registry is not on this machine.
registry['enable'] = false

# GitLab shows registries in projects and signs tokens for them; gitlab.yml: registry.enabled. Without
# it Omnibus does not write the key either.
gitlab_rails['registry_enabled'] = true

# Where GitLab itself reaches the registry: a node or a balancer of nodes, past the edge; gitlab.yml:
# registry.api_url. The edge does not serve GitLab's own registry API.
gitlab_rails['registry_api_url'] = {{ api_url|ruby }}{% if single %}  # SITE{% endif %}

# What GitLab shows to people, and what the edge serves; gitlab.yml: registry.host and registry.port.
# The port is left out when it is 443: old clients stumble over it.
gitlab_rails['registry_host'] = {{ host|ruby }}
{% if port == 443 %}# gitlab_rails['registry_port'] = 443{% else %}gitlab_rails['registry_port'] = {{ port }}{% endif %}

# Who signs tokens; gitlab.yml: registry.issuer. The same on the registry's nodes and at the edge.
gitlab_rails['registry_issuer'] = {{ issuer|ruby }}

# Where the key lies that GitLab signs with; gitlab.yml: registry.key.
gitlab_rails['registry_key_path'] = {{ key_path|ruby }}

# The key; Omnibus writes it to the path above. It belongs to the certificate of the registry and the
# edge. It is registry[…] here too: gitlab_rails['internal_key'] is not read by Omnibus.
{% if own_key -%}
registry['internal_key'] = File.read('/etc/gitlab/gitlab-registry.key')
{%- else -%}
# GitLab has it already, and it stays as it is: nothing to set.
# registry['internal_key'] = File.read('/etc/gitlab/gitlab-registry.key')
{%- endif %}
