variable "environment" {
  description = "Which environment this is."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "eu-central-1"
}

variable "image_tag" {
  description = "The tag of the image that runs; it is pushed before the service is made."
  type        = string
}

variable "certificate_arn" {
  description = "The certificate of the load balancer."
  type        = string
}

variable "allowed_cidrs" {
  description = "Who may reach the application; the whole internet is 0.0.0.0/0, and must be said."
  type        = list(string)
}

variable "access_logs_bucket" {
  description = "A bucket for the load balancer's log of requests; none is kept when it is left out."
  type        = string
  default     = null
}

variable "cidr" {
  description = "The addresses of the network."
  type        = string
  default     = "10.20.0.0/16"
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone."
  type        = bool
  default     = false
}

variable "settings" {
  description = "Settings of the application that are no secrets."
  type        = map(string)
  default     = {}
}

variable "secret_names" {
  description = "Names of the application's secrets."
  type        = set(string)
  default     = []
}

variable "cpu" {
  description = "Processor units of a task; 1024 are one processor."
  type        = number
  default     = 256
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 512
}

variable "tasks" {
  description = "How many tasks run at least and at most."
  type        = object({ least = number, most = number })
  default     = { least = 1, most = 2 }
}

variable "deletion_protection" {
  description = "Whether the load balancer is kept from being removed."
  type        = bool
  default     = true
}
