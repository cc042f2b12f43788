output "address" {
  description = "Where the application is reached."
  value       = google_cloud_run_v2_service.app.uri
}

output "secrets" {
  description = "The secrets that are to be filled, by name."
  value       = { for key, secret in google_secret_manager_secret.app : key => secret.secret_id }
}

output "service_account" {
  description = "The application's account; give it what it needs, and no more."
  value       = google_service_account.app.email
}
