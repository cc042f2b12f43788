output "id" {
  description = "The registry."
  value       = azurerm_container_registry.this.id
}

output "server" {
  description = "Where images are pushed to."
  value       = azurerm_container_registry.this.login_server
}
