# gitlab.rb where GitLab, its registry and the edge are on one machine.
#
# Made by edgectl. {% if own_key %}gitlab-registry.key to /etc/gitlab/gitlab-registry.key (mode 0600), these{% else %}These{% endif %} lines into
# /etc/gitlab/gitlab.rb; then
#   gitlab-ctl reconfigure
# For machines of their own see registry-node.rb and gitlab-node.rb instead.

# The edge serves the registry's URL in the place of Omnibus's NGINX.
registry_nginx['enable'] = false
{%- if port == gitlab_port %}
# SITE: GitLab's own NGINX has port {{ port }} of this machine too. Give the edge another address
# (`address` in envoy.yaml) or the registry another port (registry_external_url).
{%- endif %}

# Where the registry listens, for the edge and for GitLab alone; config.yml: http.addr.
registry['registry_http_addr'] = {{ node_address|ruby }}

# Who signs tokens; config.yml: auth.token.issuer. The same at the edge.
gitlab_rails['registry_issuer'] = {{ issuer|ruby }}
{%- if own_key %}

# The key that GitLab signs tokens with, and its certificate, for the registry; the edge has the same.
registry['internal_key'] = File.read('/etc/gitlab/gitlab-registry.key')
registry['internal_certificate'] = <<~PEM
{{ bundle_indented }}
PEM
{%- endif %}
