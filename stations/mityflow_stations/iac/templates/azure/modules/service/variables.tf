variable "name" {
  description = "What everything here is named after."
  type        = string
}

variable "key_vault_name" {
  description = "The key vault's name, unique in all of Azure."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$", var.key_vault_name))
    error_message = "Letters, digits and hyphens, 3 to 24 of them, a letter first."
  }
}

variable "resource_group_name" {
  description = "The resource group."
  type        = string
}

variable "location" {
  description = "The region."
  type        = string
}

variable "image" {
  description = "The image to run, with its tag or digest."
  type        = string

  validation {
    condition     = can(regex("[:@]", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a tag or a digest; 'latest' says nothing about what runs."
  }
}

variable "registry_id" {
  description = "The registry that the image comes from."
  type        = string
}

variable "registry_server" {
  description = "The registry's address."
  type        = string
}

variable "port" {
  description = "Where the application listens."
  type        = number
}

variable "health_path" {
  description = "Where the application says that it is well."
  type        = string
}

variable "environment" {
  description = "Settings of the application that are no secrets."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Secrets by the variable that the application reads, each with its name in the key vault."
  type        = map(string)
  default     = {}
}

variable "subnet_id" {
  description = "Where the application runs."
  type        = string
}

variable "allowed_cidrs" {
  description = "Who may reach the application."
  type        = list(string)
}

variable "log_days" {
  description = "For how many days logs are kept."
  type        = number
  default     = 90
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
  default     = { least = 1, most = 4 }

  validation {
    condition     = var.replicas.least >= 0 && var.replicas.most >= 1 && var.replicas.most >= var.replicas.least
    error_message = "No fewer at most than at least, and one at most at least."
  }
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}
