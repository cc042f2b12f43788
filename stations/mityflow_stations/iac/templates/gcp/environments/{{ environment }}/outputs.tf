output "address" {
  description = "Where the application is reached."
  value       = module.service.address
}

output "registry" {
  description = "Where images are pushed to."
  value       = module.registry.url
}

output "secrets" {
  description = "The secrets that are to be filled."
  value       = module.service.secrets
}
