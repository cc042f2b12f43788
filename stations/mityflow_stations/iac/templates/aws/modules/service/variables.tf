variable "name" {
  description = "What everything here is named after."
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

variable "repository_arn" {
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

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "vpc_cidr" {
  description = "The network's addresses."
  type        = string
}

variable "public_subnet_ids" {
  description = "Where the load balancer stands."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Where the application runs."
  type        = list(string)
}

variable "allowed_cidrs" {
  description = "Who may reach the load balancer."
  type        = list(string)
}

variable "certificate_arn" {
  description = "The certificate that the load balancer shows."
  type        = string

  validation {
    condition     = startswith(var.certificate_arn, "arn:")
    error_message = "The ARN of a certificate of ACM."
  }
}

variable "key_arn" {
  description = "The key that logs and secrets are encrypted by."
  type        = string
}

variable "access_logs_bucket" {
  description = "A bucket for the load balancer's log of requests, which lets the load balancer write to it."
  type        = string
  default     = null
}

variable "log_days" {
  description = "For how many days logs are kept."
  type        = number
  default     = 365
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
  default     = { least = 1, most = 4 }

  validation {
    condition     = var.tasks.least >= 1 && var.tasks.most >= var.tasks.least
    error_message = "One task at least, and no fewer at most than at least."
  }
}

variable "deletion_protection" {
  description = "Whether the load balancer is kept from being removed."
  type        = bool
  default     = true
}
