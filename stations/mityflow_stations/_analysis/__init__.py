"""What an application is made of, read from its files and never guessed: see :func:`.survey.survey`."""
