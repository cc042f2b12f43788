"""Infrastructure as code: what ``scaffold-iac`` renders, and how ``validate-iac`` looks at it."""
