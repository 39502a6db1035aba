"""The monitor's memory: results, standing of alerts, letters still to be delivered. The only room that speaks SQL."""
