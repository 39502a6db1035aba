"""The room of the reports: a page of what a run showed, and its forms: HTML, JUnit, JSON, Markdown."""
