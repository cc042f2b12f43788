output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "The network's addresses."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Where load balancers stand."
  value       = aws_subnet.public[*].id
}

output "private_subnet_ids" {
  description = "Where applications run."
  value       = aws_subnet.private[*].id
}
