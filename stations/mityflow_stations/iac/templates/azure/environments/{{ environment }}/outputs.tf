output "address" {
  description = "Where the application is reached."
  value       = module.service.address
}

output "registry" {
  description = "Where images are pushed to."
  value       = module.registry.server
}

output "key_vault" {
  description = "Where the secrets are filled."
  value       = module.service.key_vault_uri
}
