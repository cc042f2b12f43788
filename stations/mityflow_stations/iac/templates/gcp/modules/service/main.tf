# Who the application is: an account that may read its secrets, and nothing else.

resource "google_service_account" "app" {
  account_id   = "${var.name}-app"
  display_name = "${var.name}, the application"
}

resource "google_artifact_registry_repository_iam_member" "pull" {
  location   = var.region
  repository = var.repository
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.app.member
}

resource "google_secret_manager_secret" "app" {
  for_each = var.secret_names

  secret_id = "${var.name}-${each.value}"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "app" {
  for_each = var.secret_names

  secret_id = google_secret_manager_secret.app[each.value].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.app.member
}

resource "google_cloud_run_v2_service" "app" {
  name                = var.name
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = var.deletion_protection

  template {
    service_account       = google_service_account.app.email
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    timeout               = "60s"

    scaling {
      min_instance_count = var.instances.least
      max_instance_count = var.instances.most
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network_id
        subnetwork = var.subnet_id
      }
    }

    containers {
      image = var.image

      ports {
        container_port = var.port
      }

      resources {
        limits            = { cpu = var.cpu, memory = var.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = var.environment

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secret_names

        content {
          name = env.value

          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.app[env.value].secret_id
              version = "latest"
            }
          }
        }
      }

      startup_probe {
        failure_threshold = 12
        period_seconds    = 5

        http_get {
          path = var.health_path
          port = var.port
        }
      }

      liveness_probe {
        period_seconds = 30

        http_get {
          path = var.health_path
          port = var.port
        }
      }
    }
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.pull,
    google_secret_manager_secret_iam_member.app,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "invokers" {
  for_each = var.invokers

  name     = google_cloud_run_v2_service.app.name
  location = google_cloud_run_v2_service.app.location
  role     = "roles/run.invoker"
  member   = each.value
}
