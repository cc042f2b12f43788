provider "azurerm" {
  features {}

  subscription_id = var.subscription_id
}

locals {
  name   = "{{ name }}-${var.environment}"
  unique = substr(sha1("${var.subscription_id}/{{ name }}/${var.environment}"), 0, 6)

  tags = {
    Application = "{{ name }}"
    Environment = var.environment
    ManagedBy   = "terraform"
  }
}

resource "azurerm_resource_group" "this" {
  name     = local.name
  location = var.location
  tags     = local.tags
}

module "network" {
  source = "../../modules/network"

  name                = local.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  cidr                = var.cidr
  tags                = local.tags
}

module "registry" {
  source = "../../modules/registry"

  name                = "{{ flat_name }}${var.environment}${local.unique}"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  sku                 = var.registry_sku
  tags                = local.tags
}

module "service" {
  source = "../../modules/service"

  name                = local.name
  key_vault_name      = "kv-${var.environment}-${local.unique}"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  image               = "${module.registry.server}/{{ name }}:${var.image_tag}"
  registry_id         = module.registry.id
  registry_server     = module.registry.server
  port                = {{ port }}
  health_path         = "{{ health_path }}"
  environment         = var.settings
  secrets             = var.secrets
  subnet_id           = module.network.apps_subnet_id
  allowed_cidrs       = var.allowed_cidrs
  cpu                 = var.cpu
  memory              = var.memory
  replicas            = var.replicas
  tags                = local.tags
}
