import { useEffect, useRef, type ReactNode } from 'react';
import uPlot from 'uplot';

const HEIGHT = 220;
const SECONDS = 1000;
const MICRO = 1_000_000;

/** Bars of what was spent each day. The same numbers stand in a table below it. */
export default function SpendChart({ days }: { days: readonly (readonly [string, bigint])[] }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const chart = draw(element, days);
    const observer = new ResizeObserver(([entry]) => {
      if (entry) chart.setSize({ width: entry.contentRect.width, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [days]);
  return <div className="chart" ref={place} role="img" aria-label="Bars of what was spent each day" />;
}

function draw(element: HTMLElement, days: readonly (readonly [string, bigint])[]): uPlot {
  const styles = getComputedStyle(element);
  const [ink, line] = [styles.color, styles.outlineColor];
  const font = `12px ${styles.fontFamily}`;
  const axis = { font, stroke: ink, grid: { stroke: line, width: 0.3 }, ticks: { stroke: line, width: 0.3 } };
  const times = days.map(([day]) => Date.parse(day) / SECONDS);
  // Drawn, not reckoned with: a float is near enough for the height of a bar.
  const sums = days.map(([, amount]) => Number(amount) / MICRO);
  const bars = uPlot.paths.bars?.({ size: [0.6, 40] });
  return new uPlot(
    {
      // A day is one of UTC, as in the table.
      tzDate: (at) => uPlot.tzDate(new Date(at * SECONDS), 'UTC'),
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_, _low, high) => [0, high || 1] } },
      axes: [
        { ...axis, space: 70 },
        { ...axis, size: 60 },
      ],
      series: [
        {},
        {
          label: 'Spent',
          stroke: styles.caretColor,
          fill: styles.caretColor,
          points: { show: false },
          ...(bars && { paths: bars }),
        },
      ],
    },
    [times, sums],
    element,
  );
}
