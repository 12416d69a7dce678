"""Who may publish, in memory, kept fresh by events: for protocols that must decide without waiting (SRT)."""
