resource "azurerm_container_registry" "this" {
  # checkov:skip=CKV_AZURE_139:Images are pushed from outside of the network
  # checkov:skip=CKV_AZURE_164:Signatures belong to the images, and are checked where they are deployed
  # checkov:skip=CKV_AZURE_165:The application runs in one region
  # checkov:skip=CKV_AZURE_166:Quarantine keeps images from being pulled until a scanner of your own releases them
  # checkov:skip=CKV_AZURE_233:Where var.sku is Premium
  name                    = var.name
  resource_group_name     = var.resource_group_name
  location                = var.location
  sku                     = var.sku
  admin_enabled           = false
  anonymous_pull_enabled  = false
  zone_redundancy_enabled = var.sku == "Premium"
  data_endpoint_enabled   = var.sku == "Premium"

  retention_policy_in_days = var.sku == "Premium" ? 30 : null

  tags = var.tags
}
