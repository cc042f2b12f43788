output "address" {
  description = "Where the application is reached."
  value       = "https://${azurerm_container_app.app.ingress[0].fqdn}"
}

output "key_vault_uri" {
  description = "Where the secrets are filled."
  value       = azurerm_key_vault.this.vault_uri
}

output "identity_principal_id" {
  description = "The application's identity; give it what it needs, and no more."
  value       = azurerm_user_assigned_identity.app.principal_id
}
