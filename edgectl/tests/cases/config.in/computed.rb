external_url "https://gitlab.#{node['domain']}"
registry_external_url 'https://registry.example.com'
if node['staging']
  gitlab_rails['registry_issuer'] = 'staging'
end
