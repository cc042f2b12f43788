variable "name" {
  description = "The repository's name."
  type        = string
}

variable "project" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "kept_images" {
  description = "How many images are kept."
  type        = number
  default     = 30

  validation {
    condition     = var.kept_images >= 1
    error_message = "At least one image must be kept."
  }
}
