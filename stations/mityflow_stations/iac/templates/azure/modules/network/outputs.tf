output "apps_subnet_id" {
  description = "Where applications run."
  value       = azurerm_subnet.apps.id
}
