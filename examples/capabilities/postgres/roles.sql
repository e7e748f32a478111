-- The two roles of this sample, as a superuser: psql -X -v observer=… -v remover=… -v owner=… -f roles.sql
-- Sees activity and sizes, ends connections of roles that are no superusers; reads no table.
CREATE ROLE interlock LOGIN INHERIT CONNECTION LIMIT 5 PASSWORD :'observer';
GRANT pg_signal_backend, pg_read_all_stats TO interlock;
-- Drops what `owner` owns, and nothing else. PostgreSQL has no right to drop that is less than owning.
CREATE ROLE interlock_removal LOGIN INHERIT CONNECTION LIMIT 2 PASSWORD :'remover';
GRANT :"owner" TO interlock_removal;
GRANT pg_read_all_stats TO interlock_removal;
