def weakened(before, after):
    return []
