# gitlab.rb of a registry node: the registry alone, GitLab and the edge are on other machines.
#
# Made by edgectl. On the node: http-secret to /etc/gitlab/http-secret (mode 0600), these lines into
# /etc/gitlab/gitlab.rb; then
#   gitlab-ctl reconfigure
# "config.yml" is the registry's, /var/opt/gitlab/registry/config.yml; Omnibus writes it.

# Everything else is elsewhere.
gitlab_workhorse['enable'] = false
puma['enable'] = false
sidekiq['enable'] = false
postgresql['enable'] = false
redis['enable'] = false
gitaly['enable'] = false
gitlab_kas['enable'] = false
nginx['enable'] = false
gitlab_rails['auto_migrate'] = false

registry['enable'] = true

# Where the registry listens; config.yml: http.addr. The edge and GitLab connect here. It speaks plain
# HTTP: let nobody else reach the port.
registry['registry_http_addr'] = {{ listen|ruby }}

# Where clients fetch tokens; config.yml: auth.token.realm, to which Omnibus adds /jwt/auth. Clients
# read it, so it is a URL that they reach.
registry['token_realm'] = {{ token_realm|ruby }}

# Signs the state that a client holds during an upload; config.yml: http.secret. The same on every
# node, so that each can go on with an upload that another one began.
registry['http_secret'] = File.read('/etc/gitlab/http-secret').strip

# The certificate of the key that GitLab signs tokens with; Omnibus writes it to the path of
# registry['rootcertbundle']. The edge trusts the same one.
registry['internal_certificate'] = <<~PEM
{{ bundle_indented }}
PEM

# Where that certificate lies; config.yml: auth.token.rootcertbundle.
registry['rootcertbundle'] = {{ certificate_path|ruby }}

# The key itself; Omnibus writes it to gitlab_rails['registry_key_path'] where GitLab runs. Only GitLab
# signs: a registry node does not need it, and what is not here cannot be taken from here.
# registry['internal_key'] = File.read('/etc/gitlab/gitlab-registry.key')

# Whether /debug/health also tries the storage; config.yml: health.storagedriver.enabled. With several
# nodes on one object store a hiccup of it would take all of them out at once.
registry['health_storagedriver_enabled'] = false

# Who signs tokens; config.yml: auth.token.issuer. The same on GitLab and at the edge.
gitlab_rails['registry_issuer'] = {{ issuer|ruby }}
