variable "name" {
  description = "What everything here is named after."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Lower-case letters, digits and hyphens, 2 to 31 of them, a letter first."
  }
}

variable "cidr" {
  description = "The addresses of the network; at least a /20."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && tonumber(split("/", var.cidr)[1]) <= 20
    error_message = "An IPv4 range such as 10.20.0.0/16, no smaller than a /20."
  }
}

variable "zones" {
  description = "The availability zones that there are subnets in, each by its letter."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(distinct(var.zones)) == length(var.zones) && length(var.zones) >= 2 && length(var.zones) <= 4
    error_message = "A load balancer needs 2 different zones at least; 4 are the most."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone: costs more, and one zone's failure leaves the others online."
  type        = bool
  default     = false
}

variable "key_arn" {
  description = "The key that logs are encrypted by."
  type        = string
}

variable "flow_log_days" {
  description = "For how many days the log of the network's connections is kept."
  type        = number
  default     = 365
}
