variable "environment" {
  description = "Which environment this is."
  type        = string
}

variable "project" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
  default     = "europe-west3"
}

variable "image_tag" {
  description = "The tag of the image that runs; it is pushed before the service is made."
  type        = string
}

variable "invokers" {
  description = "Who may call the application, such as group:people@example.org; allUsers is the whole internet."
  type        = set(string)
  default     = []
}

variable "cidr" {
  description = "The addresses of the subnet."
  type        = string
  default     = "10.20.0.0/24"
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
  description = "Processors of an instance."
  type        = string
  default     = "1"
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "512Mi"
}

variable "instances" {
  description = "How many instances run at least and at most."
  type        = object({ least = number, most = number })
  default     = { least = 0, most = 2 }
}

variable "deletion_protection" {
  description = "Whether the service is kept from being removed."
  type        = bool
  default     = true
}
