import { useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { groups } from './navigation.js';

const NARROW = matchMedia('(max-width: 48rem)');

/** Where one can go. On a phone it is folded, so that a page begins with what it is about. */
export function SideNav({ children }: { children: ReactNode }): ReactNode {
  const [here] = useLocation();
  const [open, setOpen] = useState(!NARROW.matches);
  useEffect(() => {
    const fold = () => setOpen(!NARROW.matches);
    fold();
    NARROW.addEventListener('change', fold);
    return () => NARROW.removeEventListener('change', fold);
  }, [here]);
  return (
    <details className="menu" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Menu</summary>
      <nav aria-label="Dashboard" className="side">
        {groups.map(({ title, links }) => (
          <details key={title} open={links.some(([path]) => path === here) || title === 'Buying'}>
            <summary>{title}</summary>
            <ul>
              {links.map(([path, label]) => (
                <li key={path}>
                  <Link href={path} aria-current={path === here ? 'page' : undefined}>
                    {label}
                  </Link>
                </li>
              ))}
            </ul>
          </details>
        ))}
      </nav>
      {children}
    </details>
  );
}
