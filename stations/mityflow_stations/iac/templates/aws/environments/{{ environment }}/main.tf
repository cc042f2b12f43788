provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Application = "{{ name }}"
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}

locals {
  name = "{{ name }}-${var.environment}"
}

module "encryption" {
  source = "../../modules/encryption"

  name = local.name
}

module "network" {
  source = "../../modules/network"

  name         = local.name
  cidr         = var.cidr
  nat_per_zone = var.nat_per_zone
  key_arn      = module.encryption.key_arn
}

module "registry" {
  source = "../../modules/registry"

  name = local.name
}

module "service" {
  source = "../../modules/service"

  name                = local.name
  image               = "${module.registry.url}:${var.image_tag}"
  repository_arn      = module.registry.arn
  port                = {{ port }}
  health_path         = "{{ health_path }}"
  environment         = var.settings
  secret_names        = var.secret_names
  vpc_id              = module.network.vpc_id
  vpc_cidr            = module.network.vpc_cidr
  public_subnet_ids   = module.network.public_subnet_ids
  private_subnet_ids  = module.network.private_subnet_ids
  allowed_cidrs       = var.allowed_cidrs
  certificate_arn     = var.certificate_arn
  key_arn             = module.encryption.key_arn
  access_logs_bucket  = var.access_logs_bucket
  cpu                 = var.cpu
  memory              = var.memory
  tasks               = var.tasks
  deletion_protection = var.deletion_protection
}
