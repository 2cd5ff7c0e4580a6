# The site that the manifests in this folder are rendered for: yours is another.
external_url 'https://gitlab.example.com'
registry_external_url 'https://registry.example.com'
