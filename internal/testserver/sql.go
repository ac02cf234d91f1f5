package testserver

// An SQLServer is a running database server with one empty database, whose user
// may do everything. Text is UTF-8 and the time zone UTC.
//
// What is committed survives Stop and Kill, though not the failure of the whole
// machine: the servers run without waiting for the disk.
type SQLServer struct {
	// DSN is what a driver takes to connect: for PostgreSQL a URL
	// (postgres://user:password@127.0.0.1:port/database?sslmode=disable), for
	// MariaDB the form of github.com/go-sql-driver/mysql
	// (user:password@tcp(127.0.0.1:port)/database), to which parameters may be
	// added after a question mark.
	DSN string
	// Host, Port, User, Password and Database are the parts of DSN.
	Host     string
	Port     int
	User     string
	Password string
	Database string

	daemon *daemon
}

// Stop ends the server in order, and with it all connections, until Restart.
func (s *SQLServer) Stop() {
	s.daemon.t.Helper()
	s.daemon.stop()
}

// Kill ends the server as a crash would, until Restart.
func (s *SQLServer) Kill() {
	s.daemon.t.Helper()
	s.daemon.kill()
}

// Restart starts the server again at the same address with the same data. If it
// runs, it is stopped first.
func (s *SQLServer) Restart() {
	s.daemon.t.Helper()
	s.daemon.restart()
}
