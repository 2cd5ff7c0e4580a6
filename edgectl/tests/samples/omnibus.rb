## GitLab configuration settings
##! This file is read by Ruby at every `gitlab-ctl reconfigure`.
##! external_url 'https://not-this-one.example.com'

## GitLab URL
external_url "https://gitlab.example.com"

## Roles for multi-instance GitLab
# roles ['application_role']

### Email Settings
gitlab_rails['gitlab_email_from'] = 'gitlab@example.com'
gitlab_rails['ldap_servers'] = YAML.load <<-'EOS'
  main: # 'main' is the provider id
    label: 'LDAP'
    host: '_your_ldap_server'
    external_url 'https://nor-this.example.com'
EOS
gitlab_rails['smtp_password'] = ENV.fetch('SMTP_PASSWORD') { 'none' }
gitlab_rails['trusted_proxies'] = %w(10.0.0.0/8 192.168.0.0/16)
gitlab_rails['env'] = {
  'BUNDLE_GEMFILE' => "/opt/gitlab/embedded/service/gitlab-rails/Gemfile",
  'PATH' => "/opt/gitlab/bin:#{ENV['PATH']}"
}

if node['fqdn'].start_with?('staging')
  gitlab_rails['env_label'] = 'staging'
end

################################################################################
## Container Registry settings
##! Docs: the administration manual, container registry
################################################################################

registry_external_url 'https://registry.example.com:5050' # what users type

### Settings used by GitLab application
# gitlab_rails['registry_enabled'] = true
# gitlab_rails['registry_host'] = "registry.gitlab.example.com"
# gitlab_rails['registry_port'] = "5005"
gitlab_rails['registry_issuer'] = "the-issuer"

### Settings used by Registry application
# registry['registry_http_addr'] = "127.0.0.1:5000"
registry['debug_addr'] = "localhost:5001"
registry['log_level'] = "info"
registry['storage'] = {
  's3' => {
    'accesskey' => 's3-access-key', # rotated in May
    'secretkey' => 's3-secret-key-for-access-key',
    'bucket' => 'your-s3-bucket',
  },
  'redirect' => { 'disable' => false }
}
registry['notifications'] = [
  {
    'name' => 'test_endpoint',
    'url' => 'https://gitlab.example.com/notify2',
    'timeout' => '500ms',
    'threshold' => 5,
    'headers' => { "Authorization" => ["AUTHORIZATION_EXAMPLE_TOKEN"] }
  }
]

## Registry NGINX
registry_nginx['ssl_certificate'] = "/etc/ssl/registry.pem"
registry_nginx['ssl_certificate_key'] = "/etc/ssl/registry-key.pem"
registry_nginx['proxy_set_headers'] = {
 "Host" => "$http_host",
 "X-Real-IP" => "$remote_addr"
}

# letsencrypt['enable'] = nil
=begin
registry_external_url 'https://an-old-one.example.com'
=end
__END__
registry_external_url 'https://after-the-end.example.com'
