resource "google_artifact_registry_repository" "this" {
  # checkov:skip=CKV_GCP_84:Encrypted by Google's keys; images hold no secrets
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "keep-the-latest"
    action = "KEEP"

    most_recent_versions {
      keep_count = var.kept_images
    }
  }

  cleanup_policies {
    id     = "delete-old-ones"
    action = "DELETE"

    condition {
      older_than = "30d"
    }
  }
}
