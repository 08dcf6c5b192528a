// Numbers and times as people read them, on pages and on terminals.

/** 46764746 → "46,764,746". */
export const grouped = (value: number): string => value.toLocaleString("en-US");

/** 4000 → "1 h 6 min", 75 → "1 min 15 s". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
