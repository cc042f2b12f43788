variable "name" {
  description = "What the key is named after; log groups whose name begins with /<name>/ may be encrypted by it."
  type        = string
}
