//! Test equipment: fixed clocks, processes to kill, bounded waits.
