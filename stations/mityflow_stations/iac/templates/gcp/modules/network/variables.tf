variable "name" {
  description = "What everything here is named after."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "cidr" {
  description = "The addresses of the subnet; a /26 at least, so that instances find room."
  type        = string
  default     = "10.20.0.0/24"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && tonumber(split("/", var.cidr)[1]) <= 26
    error_message = "An IPv4 range such as 10.20.0.0/24, no smaller than a /26."
  }
}
