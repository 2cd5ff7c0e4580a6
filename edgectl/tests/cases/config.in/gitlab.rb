external_url 'https://gitlab.example.com'
registry_external_url 'https://registry.example.com:5050'
