# A registry on a node of its own.
registry['enable'] = true
registry['registry_http_addr'] = '10.30.227.194:5000'
registry['token_realm'] = 'https://gitlab.example.com'
registry['http_secret'] = '6d68890ca080a4b4a5eb0b6d2c0f7e0c'
registry['health_storagedriver_enabled'] = false
gitlab_rails['registry_issuer'] = 'omnibus-gitlab-issuer'
gitlab_rails['registry_key_path'] = '/etc/gitlab/gitlab-registry.key'
nginx['enable'] = false; puma['enable'] = false
