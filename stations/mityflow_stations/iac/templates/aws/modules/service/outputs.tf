output "address" {
  description = "Where the load balancer is reached; point a DNS name of the certificate to it."
  value       = aws_lb.this.dns_name
}

output "secret_arns" {
  description = "The secrets that are to be filled, by name."
  value       = { for key, secret in aws_secretsmanager_secret.app : key => secret.arn }
}

output "app_role_name" {
  description = "The application's own role; give it what it needs, and no more."
  value       = aws_iam_role.app.name
}

output "log_group" {
  description = "Where the application's logs are."
  value       = aws_cloudwatch_log_group.app.name
}
