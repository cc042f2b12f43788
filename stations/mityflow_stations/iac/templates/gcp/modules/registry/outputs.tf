output "id" {
  description = "The repository's name."
  value       = google_artifact_registry_repository.this.repository_id
}

output "url" {
  description = "Where images are pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}
