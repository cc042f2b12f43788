variable "name" {
  description = "What everything here is named after."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,24}[a-z0-9]$", var.name))
    error_message = "Lower-case letters, digits and hyphens, 2 to 26 of them, a letter first."
  }
}

variable "region" {
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

variable "repository" {
  description = "The repository that the image comes from."
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

variable "secret_names" {
  description = "Names of secrets: each is made empty, filled by hand, and given to the application as a variable."
  type        = set(string)
  default     = []
}

variable "network_id" {
  description = "The network."
  type        = string
}

variable "subnet_id" {
  description = "Where the application goes out from."
  type        = string
}

variable "invokers" {
  description = "Who may call the application, such as group:people@example.org; allUsers is the whole internet."
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
  default     = { least = 0, most = 4 }

  validation {
    condition     = var.instances.least >= 0 && var.instances.most >= 1 && var.instances.most >= var.instances.least
    error_message = "No fewer at most than at least, and one at most at least."
  }
}

variable "deletion_protection" {
  description = "Whether the service is kept from being removed."
  type        = bool
  default     = true
}
