external_url 'https://gitlab.example.com'
gitlab_rails['registry_enabled'] = true
gitlab_rails['registry_api_url'] = 'http://10.30.227.194:5000'
gitlab_rails['registry_host'] = 'registry.example.com'
gitlab_rails['registry_port'] = 5000
gitlab_rails['registry_issuer'] = 'omnibus-gitlab-issuer'
gitlab_rails['registry_key_path'] = '/etc/gitlab/gitlab-registry.key'
gitlab_rails['internal_key'] = File.read('/etc/gitlab/gitlab-registry.key')
