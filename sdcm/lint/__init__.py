"""The rules of good integration tests as a linter: it reads syntax trees and imports nothing of what it reads."""
