variable "environment" {
  description = "Which environment this is."
  type        = string
}

variable "subscription_id" {
  description = "The subscription."
  type        = string
}

variable "location" {
  description = "The region."
  type        = string
  default     = "westeurope"
}

variable "image_tag" {
  description = "The tag of the image that runs; it is pushed before the service is made."
  type        = string
}

variable "allowed_cidrs" {
  description = "Who may reach the application; the whole internet is 0.0.0.0/0, and must be said."
  type        = list(string)
}

variable "cidr" {
  description = "The addresses of the network."
  type        = string
  default     = "10.20.0.0/16"
}

variable "registry_sku" {
  description = "The registry's kind: Basic, Standard or Premium."
  type        = string
  default     = "Premium"
}

variable "settings" {
  description = "Settings of the application that are no secrets."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Secrets by the variable that the application reads, each with its name in the key vault."
  type        = map(string)
  default     = {}
}

variable "cpu" {
  description = "Processors of a replica."
  type        = number
  default     = 0.25
}

variable "memory" {
  description = "Memory of a replica."
  type        = string
  default     = "0.5Gi"
}

variable "replicas" {
  description = "How many replicas run at least and at most."
  type        = object({ least = number, most = number })
  default     = { least = 1, most = 2 }
}
