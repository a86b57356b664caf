def greeting() -> str:
    return "Welcome"
