provider "google" {
  project = var.project
  region  = var.region

  default_labels = {
    application = "{{ name }}"
    environment = var.environment
    managed-by  = "terraform"
  }
}

locals {
  name = "{{ name }}-${var.environment}"
}

resource "google_project_service" "used" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
  ])

  service            = each.value
  disable_on_destroy = false
}

module "network" {
  source = "../../modules/network"

  name   = local.name
  region = var.region
  cidr   = var.cidr

  depends_on = [google_project_service.used]
}

module "registry" {
  source = "../../modules/registry"

  name    = local.name
  project = var.project
  region  = var.region

  depends_on = [google_project_service.used]
}

module "service" {
  source = "../../modules/service"

  name                = local.name
  region              = var.region
  image               = "${module.registry.url}/{{ name }}:${var.image_tag}"
  repository          = module.registry.id
  port                = {{ port }}
  health_path         = "{{ health_path }}"
  environment         = var.settings
  secret_names        = var.secret_names
  network_id          = module.network.network_id
  subnet_id           = module.network.subnet_id
  invokers            = var.invokers
  cpu                 = var.cpu
  memory              = var.memory
  instances           = var.instances
  deletion_protection = var.deletion_protection
}
