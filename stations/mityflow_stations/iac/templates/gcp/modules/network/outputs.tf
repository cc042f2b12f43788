output "network_id" {
  description = "The network."
  value       = google_compute_network.this.id
}

output "subnet_id" {
  description = "Where applications go out from."
  value       = google_compute_subnetwork.apps.id
}
